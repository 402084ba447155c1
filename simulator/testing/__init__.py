"""Labs, proxies and phones for tests in Python, without asyncio in sight."""
