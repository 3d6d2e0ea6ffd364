"""The pages for people: public, member, merchant, pay and console; what they share is in `shared`."""
