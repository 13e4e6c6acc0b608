"""Who is asked, by whom, and what it costs."""
