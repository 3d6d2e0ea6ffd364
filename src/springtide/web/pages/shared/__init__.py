"""What the faces share: languages, formats, templates, files, one call."""
