"""Official papers: what each says (one file a paper), how it is set as docx, how it is filled and signed."""
