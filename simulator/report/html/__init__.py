"""The report of a run as one page: a file that asks nothing of any network, made from the folder that the run left."""
