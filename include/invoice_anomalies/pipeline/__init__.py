"""What each task of the DAGs does: joins the stages through staged files and the warehouse.

Every function takes and returns plain values (paths, counts, versions), so that a task is one call, and can be run
again after a crash with the same result.
"""
