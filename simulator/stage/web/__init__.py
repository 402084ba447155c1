"""The page of the stage: routes, the stream of events, and what guards them."""
