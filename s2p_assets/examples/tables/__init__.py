"""Tables that are made from the example companies' workbooks."""
