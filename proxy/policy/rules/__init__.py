"""One pure module a rule: `judge(case)` finds something, or says why it does not apply."""
