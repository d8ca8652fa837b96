"""Rows that people enter, on the screen or through the API: recorded, withdrawn, undone, and told of.

What a door needs, each a plain function that takes the installation (`ctx`) first:

- `rows.enterable(ctx, name)`: the kind of workbook whose rows may be entered; raises NotEnterable for other tables.
- `recording.record(ctx, reader, workbook, [RowChange(...), ...], EntryTerms(by, reason, kind))`: add, change and
  withdraw rows at once, all or none. Raises EntryRefused (`findings`: one for each bad cell, with the row's number and
  column), EtagMissing and RowChanged (`rows`: number → the row as it is now).
- `undoing.preview_undo(ctx, name)`, `undo(ctx, reader, name, by=, reason=)`, `release(...)`.
- `telling.entries_of(...)`, `entry_named(...)`, `row_changes(ctx, workbook, key)`, `cell_changes(...)`.
- The version of a row (`ETag`, `If-Match`) is `current_rows.row_etag(_file, _sheet, _row)`: three columns that every
  page of a workbook's rows may be asked for.

`reader` is a sandboxed reader that is at hand: what is entered is written as a workbook and read as every workbook is.
"""
