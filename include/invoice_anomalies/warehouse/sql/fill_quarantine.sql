-- Take what validation rejected; a line comes once.
INSERT INTO night_quarantine (line, raw, reasons)
SELECT line, raw, ARRAY(SELECT json_array_elements_text(reasons)) FROM night_rejected;
ANALYZE night_quarantine;
