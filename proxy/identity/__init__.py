"""Who somebody is: proved by digest, asserted by trunks, concealed where they wish."""
