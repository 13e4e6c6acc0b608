"""Label Studio's protocol for backends: its projects, what is suggested to them, and what is corrected there."""
