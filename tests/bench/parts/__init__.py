"""What the bench measures, one module for each part; each takes the site in whatever size its store has."""
