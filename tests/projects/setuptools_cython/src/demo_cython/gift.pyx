cdef class Box:
    cdef long open(self) except -1:
        return self.weight


cdef class Names(dict):
    pass


cdef long wrap(Box box, double paper) except -1:
    return box.weight + <long> paper


cdef double ribbon = 1.5
