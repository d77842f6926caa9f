"""The report of a run: the page for people, junit.xml for machines. Pure; judges nothing."""
