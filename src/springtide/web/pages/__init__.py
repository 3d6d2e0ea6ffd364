"""The pages for people: public, member and console; what they share is in `shared`."""
