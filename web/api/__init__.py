"""The REST API of appointments, for a call centre or another website: docs/api.md.

An application that has web.api.routes.ROUTES also has web.api.operation.LIMIT, and of web.keys: STORE, CALENDARS,
LINK_KEY, ENTROPY, UNIX_TIME, SITE.
"""
