-- Put the rejected rows in their waiting place.
INSERT INTO night_quarantine (line, raw, reasons) VALUES %s
