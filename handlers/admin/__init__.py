"""Commands and buttons for administrators."""
