# %% [markdown]
# # Two runs side by side
#
# The same calls with two policies, or before and after a change: what became of each, which verdicts changed, and what
# the check cost in time. Each run has a table of its calls, `calls.parquet`:
#
#     ringfence run scenarios/scam-list.yaml --parquet      # then change something, and run it again
#
# Open this file as a notebook (VS Code, PyCharm and Jupytext read cells of this form), set the two folders below, and
# run cell by cell; or run all of it: `python scenarios/compare_two_runs.py RUN_A RUN_B`. It takes duckdb and pandas.
# `ringfence compare A B` plays two policies and does the exact test; this is for questions of your own.

# %%
import sys
from pathlib import Path

import duckdb

RUN_A, RUN_B = "runs/before", "runs/after"
if len(sys.argv) == 3 and "ipykernel" not in sys.modules:
    RUN_A, RUN_B = sys.argv[1:]

db = duckdb.connect()
for side, run in (("a", RUN_A), ("b", RUN_B)):
    table = Path(run) / "calls.parquet"
    if not table.exists():
        sys.exit(f"{table} is missing: ringfence report {run} --parquet {table}")
    db.read_parquet(str(table)).create_view(side)


def show(title: str, query: str) -> None:
    """Print what a query finds, as a table."""
    print(f"\n{title}\n{db.sql(query).df().to_string(index=False)}")


# %% [markdown]
# ## What became of the calls
#
# Attacks count as scam, calls of unknown truth in no rate. Telephone numbers are text in every table: keep them so.

# %%
db.sql(
    """
    create view calls as
    select 'a' as side, * from a union all select 'b', * from b
    """
)
show(
    "Outcomes",
    """
    select side,
           count(*) as calls,
           count(*) filter (truth in ('scam', 'attack') and outcome = 'blocked') as scam_stopped,
           count(*) filter (truth in ('scam', 'attack') and outcome = 'passed') as scam_missed,
           count(*) filter (truth = 'legit' and outcome = 'blocked') as legit_stopped,
           count(*) filter (outcome = 'fault') as unclear
    from calls group by side order by side
    """,
)

# %% [markdown]
# ## The verdicts that changed
#
# A call has the same `id` in both runs where scenario and seed are the same.

# %%
show(
    "Changed verdicts",
    """
    select a.family, a.truth, a.action as a_did, a.rule as a_rule, b.action as b_did, b.rule as b_rule,
           count(*) as calls, min(a.id) as example
    from a join b using (scenario, id)
    where (a.action, a.rule) is distinct from (b.action, b.rule)
    group by all order by calls desc, a.family limit 20
    """,
)
show(
    "Calls of one run only",
    """
    select count(*) filter (b.id is null) as only_a, count(*) filter (a.id is null) as only_b
    from a full join b using (scenario, id)
    """,
)

# %% [markdown]
# ## What the check costs in time
#
# Pair by pair: what the proxy added to the set-up of a call in run B, less what it added to the same call in run A.

# %%
show(
    "Added set-up delay, in milliseconds",
    """
    select count(*) as pairs,
           round(1000 * median(a.added_setup_delay), 2) as a_median,
           round(1000 * median(b.added_setup_delay), 2) as b_median,
           round(1000 * median(b.added_setup_delay - a.added_setup_delay), 2) as median_of_differences,
           round(1000 * quantile_cont(b.added_setup_delay - a.added_setup_delay, 0.95), 2) as p95_of_differences
    from a join b using (scenario, id)
    where a.added_setup_delay is not null and b.added_setup_delay is not null
    """,
)
