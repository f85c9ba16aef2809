"""What many orders a second need, reckoned and simulated from measured times: deploy/scale/README.md."""
