"""A download library: a public list of documents and software, and the files for approved customers."""
