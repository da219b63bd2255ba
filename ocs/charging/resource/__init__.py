"""What operators configure, as resources: one collection per noun, and the standard ways to work on them.

A resource's *facts* are plain values by field name, as the API, the command line and the audit log show them.
Other resources are named in them, never numbered.
"""
