import time
from tests.integration.conftest import HISTORY, NIGHT, Company


def test_x(make_company, capfd):
    t = time.time()
    c = make_company()
    a = c.run("validate_invoices", HISTORY[1])
    t1 = time.time()
    b = c.run("train_autoencoder", HISTORY[1])
    t2 = time.time()
    b2 = c.run("train_autoencoder", HISTORY[1], promote="never")
    t3 = time.time()
    with capfd.disabled():
        print(t1 - t, a, t2 - t1, b, t3 - t2, b2)
