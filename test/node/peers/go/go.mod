module mtlsd.io/test/node/peer

go 1.26.0
