"""The versions of s2p's own tables: bringing an older home up to date, and refusing a newer one.

Tables of workbooks and derived tables follow their declarations; that is not done here.
"""
