cdef class Box:
    cdef long weight
    cdef long open(self) except -1

cdef class Names(dict):
    cdef long count

cdef long wrap(Box box, double paper) except -1
cdef double ribbon
