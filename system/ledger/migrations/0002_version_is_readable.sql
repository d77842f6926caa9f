-- Whoever reads a lane (the audit, say) may read which version the ledger is of. Nothing else of control's is readable.
GRANT USAGE ON SCHEMA control TO xiu_live, xiu_stress;
GRANT SELECT ON control.migration TO xiu_live, xiu_stress;
