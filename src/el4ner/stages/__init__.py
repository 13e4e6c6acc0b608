"""The four stages of the paper, one plain function each; see the README for how data flows through them."""
