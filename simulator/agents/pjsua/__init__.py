"""Real phones: PJSIP in processes of its own."""
