-- A merchant may be paid elsewhere from now on; whoever was rejected is not paid at all. Where it
-- was paid before stands in the log of acts.
GRANT UPDATE (settlement) ON merchant_application TO springtide_app;

CREATE FUNCTION rejected_are_not_paid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE 'the application of % was rejected; it has no account', OLD.merchant
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER rejected_are_not_paid BEFORE UPDATE OF settlement ON merchant_application
    FOR EACH ROW WHEN (OLD.status = 'rejected') EXECUTE FUNCTION rejected_are_not_paid();
