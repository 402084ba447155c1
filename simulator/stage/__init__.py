"""The stage: a lab that stands, and all that a trainer shows of it, as values and deeds. web/ puts it on a page."""
