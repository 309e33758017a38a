"""Which of the people that are searched for nobody has enrolled."""
