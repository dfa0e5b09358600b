module mtlsd.test/bench

go 1.24
