"""The pages for people, a package a face; what they share is in `shared`."""
