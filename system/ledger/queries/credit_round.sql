-- Step 2: keeps the close out until the commit (it takes the row FOR UPDATE), but not the leases (they update other columns).
SELECT state FROM {schema}.round WHERE round = %(round)s FOR KEY SHARE
