"""What each plot shows, as plain data: read from a study by pure functions that know neither plotly nor matplotlib."""
