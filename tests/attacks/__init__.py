"""What advertisements, resumes, names and messages demand of a model, and a model that does all of it."""
