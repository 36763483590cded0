"""Tables from files: P(X,Y) from rows that other programs wrote.

`content` has the bytes of a file; `text`, `arff`, `archives`, `matlab` and `parquet` make a named table of them
(`columns`) and judge nothing; `roles` says which columns are inputs and which the label; `labels` and `scaling` turn
them into p(y|x) and patterns; `report` says what was read. `ibtui_engine.rules.table` puts the parts together.
"""
