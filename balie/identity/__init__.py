"""Who somebody is: an OpenID Connect relying party (decision D9), for citizens and for staff.

`rp` speaks with one provider; `logins` and `records` are what the database knows of it; `service` joins them.
"""
