"""Who may log in, and folding several accounts of one person into one."""
