-- A new version of the topology.
INSERT INTO control.topology (version, fronts, cells) VALUES (%(version)s, %(fronts)s, %(cells)s)
