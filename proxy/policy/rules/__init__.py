"""One module a rule, with a class `Rule`, whose `judge(case)` finds something, or says why it does not apply."""
