"""How people tag drawn GIFs: what they leave out, add, misspell and call by other names."""
