"""The driver, its shells, and all that keeps a study alive when something dies."""
