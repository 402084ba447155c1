"""The phones of the stage: what subscribers hold in their hands, what callers say, and what is heard of it."""
