"""The identity of somebody: proved by digest, asserted by trunks, concealed where they wish."""
