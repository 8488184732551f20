"""What does a person see? The pages and the one-pager that are made of a score folder."""
