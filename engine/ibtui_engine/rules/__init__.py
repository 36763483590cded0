"""P(X,Y): the rules that networks learn, each a set of equally likely patterns with p(y=1|x).

`catalogue.load_rule` makes a rule from its name; `names` knows the names without importing numpy.
"""
