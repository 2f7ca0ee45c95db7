"""Records in the forms of others, each a function of the record alone (spec/companion/exports.rst).

None says more than the record, and each says less.
"""
