"""A mail catcher: takes every mail by real SMTP, keeps it, delivers nothing, and shows it on a web page."""
