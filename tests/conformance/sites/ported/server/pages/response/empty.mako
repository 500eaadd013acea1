<%! nothing = True %>\
